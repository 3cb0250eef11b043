/*
 * gate_process.c
 *		Starts the gate as a process that shares nothing with the server.
 *
 * The child is a copy of a process that is attached to shared memory.  Until it has
 * become another program it must not run any of our signal handlers, allocate, log
 * or exit by exit(): it makes system calls only.  All that it needs is prepared
 * before the fork.
 *
 * What it inherits is standard error (the server's log), and nothing else: no
 * descriptor, no signal mask or ignored signal, no variable of the environment, not
 * the process group (the postmaster signals that of the supervisor) and not the data
 * directory as its working directory.  The kernel kills it when the supervisor is
 * gone, so no crash and no immediate shutdown leaves it behind with the port.
 *
 * Errors:	none is raised; the caller decides.
 * Called by:	gate.c
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/gate_process.h"

#define FIRST_FD 3 /* after standard input, output and error */

static void become_gate(const char *program, int stream, pid_t parent, int fd_limit)
	pg_attribute_noreturn();
static void reset_signals(void);
static void close_descriptors(int fd_limit);
static int  descriptor_limit(void);

pid_t
cg_gate_process_start(const char *program, pgsocket *channel)
{
	int      ends[2];
	pid_t    parent = getpid();
	pid_t    pid;
	int      fd_limit = descriptor_limit();
	int      saved_errno;
	sigset_t all;
	sigset_t before;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	if (!pg_set_noblock(ends[0]))
	{
		saved_errno = errno;
		close(ends[0]);
		close(ends[1]);
		errno = saved_errno;
		return -1;
	}

	/* A handler that ran in the child would set the supervisor's latch. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become_gate(program, ends[1], parent, fd_limit);
	saved_errno = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		*channel = ends[0];
	errno = saved_errno;
	return pid;
}

/* In the child: async-signal-safe calls only. */
static void
become_gate(const char *program, int stream, pid_t parent, int fd_limit)
{
	char *const argv[] = {"cloudgreet_gate", NULL};
	char *const environment[] = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", NULL};

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* the supervisor may have died before the line above */
	if (getppid() != parent)
		_exit(1);
	reset_signals();
	if (dup2(stream, STDIN_FILENO) < 0 || dup2(stream, STDOUT_FILENO) < 0)
		_exit(1);
	close_descriptors(fd_limit);
	if (chdir("/") == 0)
		execve(program, argv, environment);
	_exit(CG_GATE_NOT_EXECUTED);
}

static void
reset_signals(void)
{
	struct sigaction action;
	sigset_t         none;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	sigemptyset(&action.sa_mask);
	/* those that cannot be changed are at their default */
	for (int signo = 1; signo < _NSIG; signo++)
		sigaction(signo, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_descriptors(int fd_limit)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, FIRST_FD, ~0U, 0) == 0)
		return;
#endif
	/* before Linux 5.9, or forbidden by a container */
	for (int fd = FIRST_FD; fd < fd_limit; fd++)
		close(fd);
}

static int
descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1024 * 1024)
		return 1024 * 1024;
	return (int) limit.rlim_cur;
}
