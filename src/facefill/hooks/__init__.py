"""What happens around every run: parameters checked, stages named, all tracked."""
