"""What is true, whoever asks: values in, values out. No clock, no I/O, no logging."""
