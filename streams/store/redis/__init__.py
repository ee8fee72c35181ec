"""The state store on Redis: client factory, Lua scripts, the timer set in its buckets."""
