"""Tocsin: rings when a process goes missing."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="tocsin",
    version="0.1.0",
    description="Monitoring of processes on many hosts: one hub, collectors at the edge, RRD graphs, events",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=find_packages(include=["common", "common.*", "collectors", "collectors.*", "hub", "hub.*"]),
    include_package_data=True,
    package_data={"hub": ["web/static/*", "model/migrations/*.py", "model/migrations/versions/*.py"]},
    data_files=[
        ("etc/tocsin/model", [str(path) for path in sorted(Path("etc/model").glob("*.yaml"))]),
        ("etc/tocsin/examples/probes", [str(path) for path in sorted(Path("etc/examples/probes").glob("*.*"))]),
        ("etc/tocsin/systemd", [str(path) for path in sorted(Path("etc/systemd").glob("*.service"))]),
    ],
    install_requires=[
        "Twisted[tls]>=26.10",
        "zope.interface>=7",
        "msgspec>=0.20",
        "zstandard>=0.23",
        "google-re2>=1.1",
        "psutil>=6",
        "cryptography>=44",
        "service-identity>=24",
        "pysnmp>=7.1.30",
        "rrdtool>=0.1.16",
        "SQLAlchemy>=2.0",
        "alembic>=1.14",
        "psycopg[binary]>=3.2",
        "PyYAML>=6",
        "click>=8.1",
        "rich>=13",
        "httpx>=0.27",
        "Pillow>=11",
        "prometheus-client>=0.22",
        "protobuf>=6",
        "cramjam>=2.9",
    ],
    extras_require={
        "dev": [
            "pytest>=8",
            "pytest-randomly>=3.16",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "hypothesis>=6.100",
            "jsonschema>=4.20",
            "setuptools>=77",
            "ruff>=0.11",
            "mypy>=1.15",
            "mypy-zope>=1.0.9",
            "import-linter>=2.3",
            "towncrier>=24",
            "types-jsonschema",
            "types-protobuf",
            "types-psutil",
            "types-PyYAML",
            "types-pyOpenSSL",
        ]
    },
    entry_points={
        "console_scripts": [
            "tocsin=hub.cli.main:main",
            "tocsin-hub=hub.app:main",
            "tocsin-process=collectors.process.main:main",
            "tocsin-modeler=collectors.modeler.main:main",
            "tocsin-status=collectors.status.main:main",
            "tocsin-probe=collectors.probes.main:main",
            "tocsin-snmp=collectors.snmp.main:main",
            "tocsin-sim=collectors.sim.main:main",
            "tocsin-collector=collectors.framework.kit.command:main",
        ]
    },
)
