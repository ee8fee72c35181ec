"""`retention top`: the live view of running workers in a terminal.

exposition, workers, triggers   looking: metrics, health and readiness over HTTP, the triggers topic
history, watch                  from looks, one after the other, to what is shown
view                            what is shown: plain data
drawing, panels, layout, glyphs pure: a `View` in, a renderable out
plain, picture, screen          lines and JSON, an SVG, the terminal
"""
