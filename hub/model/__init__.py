"""The model: documents, entities, revisions."""
