/*
 * planning.c
 *		How the planner sees the tables that the dispatcher works on; see planning.h.
 *
 * The outbox is empty most of the time.  A plan made then takes all of its indexes for
 * equally good, and often one of which only the business matches; it stays until the next
 * ANALYZE, while a hundred thousand rows come, and reads all of them for each batch.  So
 * the dispatcher plans for tables that are large: only a look-up by a whole key is cheap.
 *
 * Called by server/dispatcher.c, in its process alone.  Shown by `make bench
 * BENCH=outbox`.
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/pathnodes.h"
#include "optimizer/plancat.h"

#include "outbound/planning.h"

#define MANY_ROWS 100000
#define MANY_PAGES 5000
#define MANY_INDEX_PAGES 500

static get_relation_info_hook_type previous_hook = NULL;

static void
take_for_large(PlannerInfo *root, Oid relation, bool inherits, RelOptInfo *rel)
{
	ListCell *cell;

	if (previous_hook != NULL)
		previous_hook(root, relation, inherits, rel);
	if (relation < FirstNormalObjectId)
		return;
	rel->tuples = Max(rel->tuples, MANY_ROWS);
	rel->pages = Max(rel->pages, MANY_PAGES);
	foreach (cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		/* A partial one gains nothing from what is in it now. */
		index->tuples = rel->tuples;
		index->pages = Max(index->pages, MANY_INDEX_PAGES);
	}
}

void
cg_outbox_plan_for_many_rows(void)
{
	previous_hook = get_relation_info_hook;
	get_relation_info_hook = take_for_large;
}
