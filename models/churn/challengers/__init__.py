"""Models of River that learn beside the champion."""
