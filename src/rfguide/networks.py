"""The article's network as a stack of layers."""

from rfguide.layers import Layer

# The network of the article this site sets right, on 3×32×32. Its one pooling module is called twice.
NET = (
    Layer(3, padding=1, name="conv1"),
    Layer(2, stride=2, name="pool1"),
    Layer(3, padding=1, name="conv2"),
    Layer(2, stride=2, name="pool2"),
)
