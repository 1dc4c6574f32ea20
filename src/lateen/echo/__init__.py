"""`lateen echo`: an application to put into a mesh, which tells what it saw of each request."""
