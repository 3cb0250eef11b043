/*
 * rest_execute.c
 *		Runs a request on a table.
 */
#include "postgres.h"

#include "gateway/rest.h"

uint64
cg_rest_execute(const CgRequest *request, const CgRestRequest *rest)
{
	CgRestPlan plan;

	cg_rest_plan(rest, &plan);
	return cg_rest_run(&plan, rest->verb <= CG_REST_COUNT);
}
