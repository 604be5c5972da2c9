"""The roll book: which processes of a device were running when."""
