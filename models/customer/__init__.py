"""The customer record: its layout, its variable part, its profile, its schedule; many records as one block."""
