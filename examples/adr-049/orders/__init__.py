"""Takes orders, and works them off."""
