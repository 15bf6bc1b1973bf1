"""The picture services whose URLs say a size, and those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.tokens.services import said_size

SAID = {
    "https://source.unsplash.com/8xznAGy4HcY/800x400": (800, 400),
    "https://source.unsplash.com/1600x900/?nature,water": (1600, 900),
    "https://source.unsplash.com/user/erondu/likes/800x450": (800, 450),
    "https://source.unsplash.com/random/640x480/daily": (640, 480),
    "https://images.unsplash.com/photo-15?fit=crop&w=400&h=300&q=80": (400, 300),
    "https://images.unsplash.com/photo-15?fit=crop&w=400&h=300&dpr=2": (800, 600),
    "https://picsum.photos/200/300": (200, 300),
    "https://picsum.photos/200": (200, 200),
    "https://picsum.photos/200/300/?blur=2": (200, 300),
    "https://picsum.photos/200/300.jpg": (200, 300),
    "https://picsum.photos/id/237/200/300?grayscale": (200, 300),
    "http://picsum.photos/seed/picsum/200/300.webp": (200, 300),
    "https://via.placeholder.com/350x150": (350, 150),
    "https://via.placeholder.com/300x250.png/09f/fff?text=1x1": (300, 250),
    "http://placehold.it/50x60.png/fff": (50, 60),
    "https://placehold.co/600x400": (600, 400),
    "https://placehold.co/400/png": (400, 400),
    "https://placehold.co/600x400/000000/FFF.png": (600, 400),
    "https://dummyimage.com/600x400/000/fff": (600, 400),
    "https://dummyimage.com/300.png/09f/fff": (300, 300),
    "https://DummyImage.com:443/200x300&text=hello": (200, 300),
}


@pytest.mark.parametrize("url", SAID)
def test_a_size_that_a_url_says(url: str) -> None:
    assert said_size(url) == SAID[url]


NOT_SAID = [
    "https://example.com/800x400",
    "https://example.com/?url=https://picsum.photos/200/300",
    "https://picsum.photos.example.com/200/300",
    "https://picsum.photos@example.com/200/300",
    "https://source.unsplash.com/8xznAGy4HcY",
    "https://source.unsplash.com/800x400/more/800x",
    "https://images.unsplash.com/photo-15?w=400&h=300",  # is made to fit, with its own proportions
    "https://images.unsplash.com/photo-15?fit=crop&w=400",
    "https://images.unsplash.com/photo-15?fit=crop&w=400&h=0.5",
    "https://images.unsplash.com/photo-15?fit=crop&w=400&h=300&dpr=1.5",
    "https://images.unsplash.com/photo-15?fit=crop&w=400&h=300&ar=1:1",
    "https://picsum.photos/id/237/info",
    "https://picsum.photos/v2/list",
    "https://picsum.photos/0/0",
    "https://picsum.photos/99999/99999",
    "https://placehold.co/600x400@2x.png",
    "https://dummyimage.com/640x4:3",
    "https://dummyimage.com/vga",
    "ftp://picsum.photos/200/300",
    "https://picsum.photos/" + "seed/" * 1000 + "200/300",
    "https://[::1/200/300",
    "data:image/png;base64,AAAA",
    "",
]


@pytest.mark.parametrize("url", NOT_SAID)
def test_nothing_is_guessed(url: str) -> None:
    assert said_size(url) is None


@given(st.sampled_from(["picsum.photos", "images.unsplash.com", "placehold.co", "x"]), st.text(max_size=60))
def test_any_url(host: str, rest: str) -> None:
    size = said_size(f"https://{host}/{rest}")

    assert size is None or (min(size) > 0 and max(size) <= 10_000)
