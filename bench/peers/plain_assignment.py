"""P12, peer: the best one-to-one assignment of a small component (Hungarian method with potentials)."""

from __future__ import annotations

from collections.abc import Iterable

Gain = tuple[int, int, int]  # row, column, weight


def assign(rows: int, columns: int, gains: Iterable[Gain]) -> tuple[list[int | None], int]:
    """Returns for each row its column or None, such that the sum of the weights is largest, and that sum."""
    width = columns + rows  # each row may stay alone in a column of its own, at no gain
    costs = [[0] * width for _ in range(rows)]
    for row, column, weight in gains:
        costs[row][column] = min(costs[row][column], -weight)
    owner = _solve(costs, rows, width)
    chosen: list[int | None] = [None] * rows
    worth = 0
    for column, holder in enumerate(owner[:columns]):
        if holder is not None and costs[holder][column] < 0:
            chosen[holder] = column
            worth -= costs[holder][column]
    return chosen, worth


def _solve(costs: list[list[int]], rows: int, width: int) -> list[int | None]:
    row_potential, column_potential = [0] * rows, [0] * width
    owner: list[int | None] = [None] * width
    for start in range(rows):
        slack: list[float] = [float("inf")] * width
        came_from = [-1] * width
        is_done = [False] * width
        visited = [start]
        row, at = start, -1
        while True:
            line, base = costs[row], row_potential[row]
            delta, nearest = float("inf"), -1
            for column in range(width):
                if is_done[column]:
                    continue
                cost = line[column] - base - column_potential[column]
                if cost < slack[column]:
                    slack[column], came_from[column] = cost, at
                if slack[column] < delta:
                    delta, nearest = slack[column], column
            step = int(delta)
            for one in visited:
                row_potential[one] += step
            for column in range(width):
                if is_done[column]:
                    column_potential[column] -= step
                else:
                    slack[column] -= step
            is_done[nearest] = True
            following = owner[nearest]
            if following is None:
                break
            visited.append(following)
            row, at = following, nearest
        column = nearest
        while (previous := came_from[column]) >= 0:
            owner[column] = owner[previous]
            column = previous
        owner[column] = start
    return owner
