"""The running service: the only place that reads the environment, opens sockets and knows processes."""
