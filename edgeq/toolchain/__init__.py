"""A generated project → an image: compilers found and run, sizes measured, the stack bounded."""
