"""Reading series and pictures back from the collector that owns them."""
