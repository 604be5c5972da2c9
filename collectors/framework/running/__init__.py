"""What runs tasks: all in this process, or shared out among worker processes."""
