"""What is drawn of series: which graphs there are, with which bounds and marks, and who draws them.

| module | says |
|---|---|
| `catalogue` | which graphs a component has, by templates and built in |
| `bounds` | which lines stand for what is judged of a graph's points |
| `happened` | which events are worth a mark |
"""
