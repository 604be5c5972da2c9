"""The reader process: whatever is asked about the files of the RRD folder (`rrdqueries` is its program).

    answers             which question is answered by whom
    naming              what a question names

Lists:
    listing             which series there are, with their last values
    facts               what is kept of them
    inventory           files, with what the index says of them
    hearing             newest samples, for when this collector is away

Rows:
    rows                as they stand in a file
    folding             made into coarser ones, truly
    fetching            those that somebody asked for
    stats               what a time comes to
    trails              how series went, in a few figures
    baselinereading     what is new of what was learned

Pictures:
    pictures            of series that lie here
    plots               what a picture is of
    likely              what is likely of its curves
    picturecache        drawn once for all who ask for the same
"""
