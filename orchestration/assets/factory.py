"""From a table and a step to an asset: spec, checks and metadata follow from the contract."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg

from lake.contracts import Table, table
from orchestration import crash
from orchestration.resources import LakeResource
from orchestration.work import Outcome, Work

OWNER = "team:tidemark"
TICK_TAG = "tidemark/tick"
AGAIN_TAG = "tidemark/again"
# Dagster's own: the first and the last partition of a run over several.
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
_TYPES = {"String": "text", "Float64": "double", "Int64": "bigint", "Int32": "int", "Datetime": "timestamp (UTC)"}

Step = Callable[[Work], Outcome]


def asset_key(table_id: str) -> dg.AssetKey:
    """The asset of a table: layer, name."""
    layer, name = table_id.split(".")
    return dg.AssetKey(["marts" if layer == "mart" else layer, name])


def column_schema(known: Table) -> dg.TableSchema:
    """A contract's columns as the Dagster UI shows them."""
    columns = []
    for name, column in known.schema.columns().items():
        kind = type(column).__name__
        about = ", ".join(filter(None, (known.meaning(name), known.unit(name))))
        unique = dg.TableColumnConstraints(nullable=bool(column.nullable), unique=known.key == (name,))
        columns.append(dg.TableColumn(name, _TYPES.get(kind, kind.lower()), about, constraints=unique))
    return dg.TableSchema(columns=columns)


def check_name(known: Table) -> str:
    """Silver accounts for its rows; the other layers meet their contract."""
    return "rows_accounted" if known.layer == "silver" else "contract_met"


def of_any_day(table_id: str) -> dg.AssetDep:
    """A table that is read whole, though its partitions are days of another calendar.

    Dagster would match the days of New York with those of the logs, and refuse because their zones differ.
    """
    return dg.AssetDep(asset_key(table_id), partition_mapping=dg.SpecificPartitionsPartitionMapping([]))


def asset_spec(table_id: str, deps: Iterable[str | dg.AssetDep] = (), **options: Any) -> dg.AssetSpec:
    """The spec of a table's asset."""
    known = table(table_id)
    kinds = {"deltalake", "polars" if known.engine == "polars" else "pyspark"}
    return dg.AssetSpec(
        asset_key(table_id),
        deps=[dep if isinstance(dep, dg.AssetDep) else asset_key(dep) for dep in deps],
        group_name=known.group,
        kinds=kinds,
        owners=[OWNER],
        description=known.description,
        metadata={
            "dagster/column_schema": column_schema(known),
            "dagster/table_name": table_id,
            "source": known.source,
        },
        **options,
    )


def check_spec(table_id: str) -> dg.AssetCheckSpec:
    """The contract's check; it blocks, because every later table would be wrong with it."""
    known = table(table_id)
    return dg.AssetCheckSpec(
        check_name(known),
        asset=asset_key(table_id),
        blocking=True,
        description="Rows in are rows out, duplicates and quarantined rows together."
        if known.layer == "silver"
        else "Every row written keeps the contract's key and rules.",
    )


def lake_asset(
    table_id: str,
    step: Step,
    *,
    deps: Iterable[str | dg.AssetDep] = (),
    partitions: dg.PartitionsDefinition[str] | None = None,
    whole_range: bool = False,
) -> dg.AssetsDefinition:
    """An asset whose one table a step makes.

    Args:
        table_id: as in `gold.quotes`.
        step: makes the table's slice.
        deps: tables it reads.
        partitions: how it is sliced; None for a table that is made whole.
        whole_range: whether a backfill of many partitions is one run.
    """
    return lake_assets([table_id], lambda work: [step(work)], {table_id: deps}, partitions, whole_range)


def lake_assets(  # noqa: PLR0913, PLR0917 - an asset's own words
    table_ids: Sequence[str],
    step: Callable[[Work], Iterable[Outcome]],
    deps: Mapping[str, Iterable[str | dg.AssetDep]],
    partitions: dg.PartitionsDefinition[str] | None = None,
    whole_range: bool = False,
    checks: Sequence[dg.AssetCheckSpec] = (),
) -> dg.AssetsDefinition:
    """Several tables that one step makes together; see `lake_asset`."""

    @dg.multi_asset(
        name=table_ids[0].replace(".", "_"),
        specs=[asset_spec(table_id, deps.get(table_id, ())) for table_id in table_ids],
        check_specs=[
            *(check_spec(table_id) for table_id in table_ids if table(table_id).layer != "bronze"),
            *checks,
        ],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if whole_range else None,
        pool=table_ids[0].replace(".", "_"),
    )
    def compute(
        context: dg.AssetExecutionContext, lake: LakeResource
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        work = work_of(context, lake)
        for outcome in step(work):
            crash.after(work.home, outcome.table.id)
            yield from results_of(outcome)

    return compute


def work_of(context: dg.AssetExecutionContext, lake: LakeResource) -> Work:
    """What the run is about: its partitions, the tick that its tag names, and whether all of it is asked for again."""
    again = context.run.tags.get(AGAIN_TAG) == "yes"
    tick_text = context.run.tags.get(TICK_TAG)
    tick = datetime.fromisoformat(tick_text) if tick_text else None
    if context.has_partition_key or context.has_partition_key_range:
        keys = context.partition_key_range
        return lake.work(
            context.run.run_id, date.fromisoformat(keys.start), date.fromisoformat(keys.end), tick, again=again
        )
    today = lake.clock().now().date()
    return lake.work(context.run.run_id, today, today, tick, again=again)


def results_of(outcome: Outcome) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """A step's outcome as a check result and a materialization.

    Raises:
        dagster.Failure: when the contract is not met; nothing was written then.
    """
    known = outcome.table
    facts: dict[str, Any] = {"delta_version": outcome.written.version, "dagster/row_count": outcome.written.rows}
    facts |= dict(outcome.facts)
    if outcome.account is not None:
        facts |= outcome.account._asdict()
    if known.layer == "bronze":
        yield dg.MaterializeResult(asset_key=asset_key(known.id), metadata=facts)
        return
    check = dg.AssetCheckResult(
        passed=outcome.problem is None,
        check_name=check_name(known),
        asset_key=asset_key(known.id),
        metadata=facts | ({"problem": outcome.problem} if outcome.problem else {}),
    )
    if outcome.problem is not None:
        yield check
        raise dg.Failure(f"{known.id}: {outcome.problem}", allow_retries=False)
    findings = [
        dg.AssetCheckResult(
            passed=finding.passed,
            check_name=finding.check,
            asset_key=asset_key(known.id),
            severity=dg.AssetCheckSeverity.WARN if finding.bearable else dg.AssetCheckSeverity.ERROR,
            metadata=dict(finding.facts),
        )
        for finding in outcome.findings
    ]
    yield dg.MaterializeResult(asset_key=asset_key(known.id), metadata=facts, check_results=[check, *findings])
