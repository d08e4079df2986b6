"""DeepID: features of two depths, added."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

SIZE = (55, 47)


@MODELS.register_module()
class DeepIDNet(BaseModule):
    """Four small convolutions; the embedding is a ReLU of two linear layers, on the third and the fourth map, added.

    Source: Sun et al., Deep learning face representation from predicting 10,000 classes, CVPR 2014, figure 3;
    serengil/deepface models/facial_recognition/DeepID.py.

    Args:
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, embedding_size: int = 160, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        layers: list[nn.Module] = []
        for before, width, kernel in ((3, 20, 4), (20, 40, 3), (40, 60, 3)):
            layers += [nn.Conv2d(before, width, kernel), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.trunk = nn.Sequential(*layers)
        self.conv4 = nn.Conv2d(60, 80, 2)
        self.fc3 = nn.Linear(60 * 5 * 4, embedding_size)
        self.fc4 = nn.Linear(80 * 4 * 3, embedding_size)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, 55, 47) to embeddings (N, D), none of them negative.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, SIZE, 'DeepIDNet')
        x = self.trunk(x)
        return F.relu(self.fc3(x.flatten(1)) + self.fc4(F.relu(self.conv4(x)).flatten(1)))
