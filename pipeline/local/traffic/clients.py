"""The programs that send events to Amplitude, as an export line describes them."""

from typing import Any, NamedTuple


class Client(NamedTuple):
    """What an export line says about the sending program; None where Amplitude knows nothing."""

    library: str
    platform: str | None = None
    os_name: str | None = None  # on the web the browser
    os_version: str | None = None
    device_family: str | None = None
    device_type: str | None = None
    device_model: str | None = None
    device_brand: str | None = None
    device_manufacturer: str | None = None
    device_carrier: str | None = None
    version_name: str | None = None
    start_version: str | None = None

    @property
    def is_web(self) -> bool:
        """Whether it is a browser."""
        return self.platform == "Web"

    def columns(self) -> dict[str, Any]:
        """Return the columns of an export line."""
        return self._asdict()


BROWSERS = (
    Client("amplitude-ts/2.16.1", "Web", "Chrome", "137", "Mac OS X", "Mac"),
    Client("amplitude-ts/2.16.1", "Web", "Chrome", "137", "Windows", "Windows"),
    Client("amplitude-ts/2.11.0", "Web", "Firefox", "139", "Linux", "Linux"),
    Client("amplitude-ts/2.16.1", "Web", "Safari", "18.5", "Mac OS X", "Mac"),
)
PHONES = (
    Client(
        library="amplitude-swift/1.13.6",
        platform="iOS",
        os_name="ios",
        os_version="18.5",
        device_family="Apple iPhone",
        device_type="Apple iPhone 15",
        device_brand="Apple",
        device_manufacturer="Apple",
        device_carrier="Example Tel",
        version_name="4.2.1",
        start_version="4.0.0",
    ),
    Client(
        library="amplitude-kotlin/1.20.0",
        platform="Android",
        os_name="android",
        os_version="15",
        device_family="Google Phone",
        device_type="Google Pixel 8",
        device_model="Pixel 8",
        device_brand="google",
        device_manufacturer="Google",
        device_carrier="Example Mobile",
        version_name="4.2.0",
        start_version="3.8.2",
    ),
)
SERVER = Client("http/2.0")
