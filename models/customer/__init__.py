"""The customer record: its layout, its variable part, its profile, its scoring schedule; many records as one array."""
