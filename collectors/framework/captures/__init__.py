"""What a collector read, on disk: recorded, edited, replayed, served."""
