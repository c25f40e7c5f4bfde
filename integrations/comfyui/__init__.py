"""neuralpaint's nodes for ComfyUI: link or copy this folder to ComfyUI's `custom_nodes/neuralpaint`."""

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
