"""The processes of this host: what reads them."""
