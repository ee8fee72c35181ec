"""The store on Redis: connection, Lua calls, due set."""
