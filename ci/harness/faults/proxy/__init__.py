"""The proxy in the servers' stead. This folder alone goes into a container, so it takes nothing from the rest of the harness."""
