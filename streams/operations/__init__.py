"""What an operator does: doctor, customer, champion."""
