"""What people read: reports as text. The data comes from the steps themselves, as plain JSON values."""
