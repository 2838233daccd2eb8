"""The page: Gradio components, one file a panel. Nothing here knows torch; everything goes through the service."""
