"""What Linux tells of processes as it happens, and what is made of it between two scans."""
