"""What the simulator serves: a generated market, or recorded files."""
