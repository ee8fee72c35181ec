"""One partition at work: takeover, plan, load, apply, commit."""
