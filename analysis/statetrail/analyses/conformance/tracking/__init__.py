"""What the tracker keeps of each sender: its sessions, and the requests that wait for them."""
