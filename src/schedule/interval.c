/*
 * interval.c
 *		Lists of half-open intervals of time; see interval.h.
 *
 * Memory:		grows in the context of the first addition.
 * Errors:		out of memory only.
 * Called by:	the other files here
 * Shown by:	test/t/150_availability_cases.pl
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "schedule/interval.h"

TimestampTz
cg_time_shift(TimestampTz at, int64 by)
{
	TimestampTz result;

	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	if (pg_add_s64_overflow(at, by, &result) || !IS_VALID_TIMESTAMP(result))
		return by > 0 ? DT_NOEND : DT_NOBEGIN;
	return result;
}

void
cg_intervals_add(CgIntervals *list, TimestampTz start, TimestampTz end)
{
	if (end <= start)
		return;
	if (list->count == list->capacity)
	{
		list->capacity = Max(32, list->capacity * 2);
		list->items = list->items == NULL
						  ? palloc(list->capacity * sizeof(CgInterval))
						  : repalloc(list->items, list->capacity * sizeof(CgInterval));
	}
	list->items[list->count].start = start;
	list->items[list->count].end = end;
	list->count++;
}

static int
compare_starts(const void *a, const void *b)
{
	TimestampTz left = ((const CgInterval *) a)->start;
	TimestampTz right = ((const CgInterval *) b)->start;

	return (left > right) - (left < right);
}

void
cg_intervals_merge(CgIntervals *list)
{
	int kept = 0;

	if (list->count < 2)
		return;
	qsort(list->items, list->count, sizeof(CgInterval), compare_starts);
	for (int i = 1; i < list->count; i++)
	{
		CgInterval *last = &list->items[kept];

		CHECK_FOR_INTERRUPTS();
		if (list->items[i].start > last->end)
			list->items[++kept] = list->items[i];
		else
			last->end = Max(last->end, list->items[i].end);
	}
	list->count = kept + 1;
}

void
cg_intervals_subtract(const CgIntervals *from, const CgIntervals *taken,
					  CgIntervals *result)
{
	int next = 0;

	for (int i = 0; i < from->count; i++)
	{
		TimestampTz start = from->items[i].start;
		TimestampTz end = from->items[i].end;

		CHECK_FOR_INTERRUPTS();
		while (next < taken->count && taken->items[next].end <= start)
			next++;
		for (int k = next; k < taken->count && taken->items[k].start < end; k++)
		{
			cg_intervals_add(result, start, taken->items[k].start);
			start = taken->items[k].end;
		}
		cg_intervals_add(result, start, end);
	}
}

/* The place of the first interval that ends after an instant. */
static int
first_ending_after(const CgIntervals *list, TimestampTz at)
{
	int low = 0;
	int high = list->count;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (list->items[middle].end > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const CgInterval *
cg_intervals_cover(const CgIntervals *list, TimestampTz start, TimestampTz end)
{
	int place = first_ending_after(list, start);

	if (place < list->count && list->items[place].start <= start &&
		list->items[place].end >= end)
		return &list->items[place];
	return NULL;
}

bool
cg_intervals_overlap(const CgIntervals *list, TimestampTz start, TimestampTz end)
{
	int place = first_ending_after(list, start);

	return place < list->count && list->items[place].start < end;
}
