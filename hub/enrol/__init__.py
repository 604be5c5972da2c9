"""How collectors come to certificates, and lose them."""
