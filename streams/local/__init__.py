"""All on one machine: embedded servers, processes, the demo."""
