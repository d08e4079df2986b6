"""Drawing: faces on images, contact sheets, the visualizer of training and testing."""

from faceresearch.visualization.draw import draw_faces
from faceresearch.visualization.sheet import contact_sheet
from faceresearch.visualization.visualizer import FaceVisualizer, write_image

__all__ = ['FaceVisualizer', 'contact_sheet', 'draw_faces', 'write_image']
