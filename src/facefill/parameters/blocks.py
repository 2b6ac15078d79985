"""What every block of parameters is: closed, strictly typed, immutable."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1)]


class Block(BaseModel):
    """A group of parameters: closed, strictly typed, immutable."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )
