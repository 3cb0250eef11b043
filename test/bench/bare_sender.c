/*
 * bare_sender.c
 *		The least that can send after a commit: a latch, a worker, libcurl.
 *
 * bare_start(library, url) starts a background worker for this session, from the library
 * that this file is built into.  A transaction that calls bare_send() sets the worker's latch
 * when it has committed, and the worker posts a fixed body by a connection that is kept.  It reads no table, keeps no promise and forgets what
 * fails, so nothing that sends after a commit, from another process and over HTTP, can be
 * sooner on the wire; what the dispatcher needs beyond it is what its promises cost.
 *
 * Used by test/bench/outbox.sh (wire_p99_over_bare_ms).
 */
#include "postgres.h"

#include <curl/curl.h>

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"

PG_MODULE_MAGIC;

#define BODY                                                                             \
	"{\"from\":\"Desk <desk@example.com>\",\"to\":[\"w@example.org\"],"                  \
	"\"subject\":\"Hello\",\"text\":\"How are you?\"}"

PGDLLEXPORT void bare_sender_main(Datum argument);
PG_FUNCTION_INFO_V1(bare_start);
PG_FUNCTION_INFO_V1(bare_send);

static pid_t worker = 0;
static bool  is_wanted = false;

static void
on_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	if (is_wanted && event == XACT_EVENT_COMMIT)
	{
		PGPROC *process = BackendPidGetProc(worker);

		if (process != NULL)
			SetLatch(&process->procLatch);
	}
	is_wanted = false;
}

Datum
bare_start(PG_FUNCTION_ARGS)
{
	BackgroundWorker        definition = {0};
	BackgroundWorkerHandle *handle;

	strlcpy(definition.bgw_name, "bare sender", BGW_MAXLEN);
	strlcpy(definition.bgw_type, "bare sender", BGW_MAXLEN);
	definition.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	definition.bgw_start_time = BgWorkerStart_RecoveryFinished;
	definition.bgw_restart_time = BGW_NEVER_RESTART;
	definition.bgw_notify_pid = MyProcPid;
	strlcpy(definition.bgw_library_name, text_to_cstring(PG_GETARG_TEXT_PP(0)),
			BGW_MAXLEN);
	strlcpy(definition.bgw_function_name, "bare_sender_main", BGW_MAXLEN);
	strlcpy(definition.bgw_extra, text_to_cstring(PG_GETARG_TEXT_PP(1)), BGW_EXTRALEN);
	if (!RegisterDynamicBackgroundWorker(&definition, &handle) ||
		WaitForBackgroundWorkerStartup(handle, &worker) != BGWH_STARTED)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("could not start the bare sender")));
	RegisterXactCallback(on_transaction, NULL);
	PG_RETURN_VOID();
}

Datum
bare_send(PG_FUNCTION_ARGS)
{
	is_wanted = true;
	PG_RETURN_VOID();
}

static size_t
ignore_answer(char *data, size_t size, size_t count, void *arg)
{
	return size * count;
}

void
bare_sender_main(Datum argument)
{
	CURL              *easy;
	struct curl_slist *headers = NULL;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection("postgres", NULL, 0);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	easy = curl_easy_init();
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Authorization: Bearer key");
	curl_easy_setopt(easy, CURLOPT_URL, MyBgworkerEntry->bgw_extra);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, BODY);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_answer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* To start sets it too. */
	ResetLatch(MyLatch);
	while (!ShutdownRequestPending)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (!ShutdownRequestPending)
			(void) curl_easy_perform(easy);
		CHECK_FOR_INTERRUPTS();
	}
	proc_exit(0);
}
