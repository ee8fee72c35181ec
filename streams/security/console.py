"""Settings of the console: where it listens, and who may look at it and act in it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ConsoleSettings(BaseModel):
    """What `retention console` takes where its options say nothing. Whether it fits together is checked there."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    console_port: int = Field(0, ge=0, le=65_535, description="a worker starts the console on it; 0: none does")
    console_host: str = Field("127.0.0.1", description="where the console listens")
    console_workers: str = Field("", description="metrics of further workers, host:port,host:port")
    console_token_file: str = Field("", description="whoever looks must know what is in it")
    console_user_header: str = Field("", description="by which a reverse proxy names who looks")
    console_roles: str = Field("", description="file that says who may look, see single customers, and act")
    console_origin: str = Field("", description="how browsers call it, behind a proxy that changes the host")
