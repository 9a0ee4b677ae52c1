"""Networks of real packets: the lab's clouds as namespaces, its routers as strongSwan and bird."""
