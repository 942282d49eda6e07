"""The package that Dataflow's workers install, and that a clone installs for itself."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="amplitude-customerio-stream",
    version="0.1.0",
    description="Streams Amplitude records from Pub/Sub to Customer.io with Apache Beam",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["pipeline*", "transforms*"]),
    package_data={"pipeline.local.customerio": ["*.html"]},
    install_requires=[
        "apache-beam[gcp]==2.77.*",
        "google-cloud-pubsub>=2.30",
        "google-cloud-secret-manager>=2.20",
        "msgspec>=0.19",
        "pydantic>=2.10",
        "python-dotenv>=1.0",
        "pyyaml>=6.0",
        "requests>=2.32",
        "rich>=13.9",
    ],
    extras_require={"local": ["aiohttp>=3.11"]},
)
