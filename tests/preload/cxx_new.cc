/* SPDX-License-Identifier: MIT */
/*
 * All twenty operators new and delete, small and large, by explicit call; what they do when
 * memory is out: bad_alloc, the new_handler's loop, NULL for nothrow.
 */
#include <malloc.h>
#include <sys/resource.h>

#include <new>
#include <vector>

extern "C" {
#include "check.h"
#include "served.h"
}

static const size_t sizes[] = { 0, 1, 24, 4096, SERVED_SMALL, SERVED_LARGE, 5 * MIB + 3 };
static volatile size_t too_much = (size_t)PTRDIFF_MAX - 4096;

static void *used(void *p, size_t bytes)
{
	CHECK(p && (uintptr_t)p % 16 == 0 && malloc_usable_size(p) >= bytes);
	memset(p, 0xa5, bytes);
	return p;
}

static void plain_operators_work(size_t n)
{
	operator delete(used(operator new(n), n));
	operator delete(used(operator new(n), n), n);
	operator delete(used(operator new(n, std::nothrow), n), std::nothrow);
	operator delete[](used(operator new[](n), n));
	operator delete[](used(operator new[](n), n), n);
	operator delete[](used(operator new[](n, std::nothrow), n), std::nothrow);
	operator delete((void *)nullptr);
	operator delete[](nullptr, n);
}

static void aligned_operators_work(size_t n, std::align_val_t align)
{
	void *p[4] = {
		used(operator new(n, align), n),
		used(operator new[](n, align), n),
		used(operator new(n, align, std::nothrow), n),
		used(operator new[](n, align, std::nothrow), n),
	};

	for (void *one : p)
		CHECK((uintptr_t)one % (size_t)align == 0);
	operator delete(p[0], align);
	operator delete[](p[1], align);
	operator delete(p[2], align, std::nothrow);
	operator delete[](p[3], align, std::nothrow);
	operator delete(operator new(n, align), n, align);
	operator delete[](operator new[](n, align), n, align);
}

template <typename Function> static bool throws_bad_alloc(Function function)
{
	try {
		free(function());
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

static const std::align_val_t page = std::align_val_t(4096);

static void what_cannot_be_throws(void)
{
	CHECK(throws_bad_alloc([] { return operator new(too_much); }));
	CHECK(throws_bad_alloc([] { return operator new[](too_much); }));
	CHECK(throws_bad_alloc([] { return operator new(too_much, page); }));
	CHECK(throws_bad_alloc([] { return operator new[](too_much, page); }));
	CHECK(throws_bad_alloc([] { return (void *)new char[too_much]; }));
}

static void nothrow_returns_null(void)
{
	CHECK(!operator new(too_much, std::nothrow));
	CHECK(!operator new[](too_much, std::nothrow));
	CHECK(!operator new(too_much, page, std::nothrow));
	CHECK(!operator new[](too_much, page, std::nothrow));
}

static int handler_calls;

/* After the third call the request is one that can be met. */
static void give_in(void)
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

struct own_error {};

static void throw_own(void)
{
	handler_calls++;
	throw own_error();
}

static bool throws_own(std::align_val_t align, size_t bytes)
{
	try {
		operator delete(operator new(bytes, align), align);
	} catch (const own_error &) {
		return true;
	}
	return false;
}

static void the_handler_is_called_until_it_gives_up(void)
{
	handler_calls = 0;
	std::set_new_handler(give_in);
	CHECK(throws_bad_alloc([] { return operator new(too_much); }));
	CHECK(handler_calls == 3);
	handler_calls = 0;
	std::set_new_handler(give_in);
	CHECK(!operator new[](too_much, std::nothrow));
	CHECK(handler_calls == 3);
}

static void what_the_handler_throws_arrives(void)
{
	bool arrived = false;

	handler_calls = 0;
	std::set_new_handler(throw_own);
	try {
		operator delete(operator new(too_much));
	} catch (const own_error &) {
		arrived = true;
	}
	CHECK(arrived);
	CHECK(throws_own(page, too_much));
	CHECK(!operator new(too_much, std::nothrow));
	CHECK(handler_calls == 3);
	std::set_new_handler(nullptr);
}

static void *hoard;
static int freed;

static void free_the_hoard(void)
{
	if (!hoard)
		throw own_error();
	free(hoard);
	hoard = nullptr;
	freed++;
}

/*
 * Takes every address the library has, in pieces that no kernel refuses for their size, until
 * one of them is what is between failure and success.
 */
static void a_handler_that_frees_lets_the_retry_succeed(void)
{
	size_t bytes = (size_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 4 / GIB * GIB;
	struct rlimit before, no_more;
	void *p = nullptr;
	std::vector<void *> kept;

	bytes = bytes ? bytes : 512 * MIB;
	kept.reserve(8192);
	getrlimit(RLIMIT_AS, &before);
	no_more = before;
	no_more.rlim_cur = served_addresses() + 64 * MIB;
	setrlimit(RLIMIT_AS, &no_more);
	hoard = memalign(2 * MIB, bytes);	/* whole pages, so that its place is as large as it */
	while (void *more = malloc(bytes))
		kept.push_back(more);
	CHECK(hoard && kept.size() < 8192);
	std::set_new_handler(free_the_hoard);
	try {
		p = operator new(bytes);
	} catch (const own_error &) {
	}
	std::set_new_handler(nullptr);
	CHECK(p && freed == 1);
	operator delete(p);
	for (void *one : kept)
		free(one);
	setrlimit(RLIMIT_AS, &before);
}

static void new_is_served_by_the_rules(void)
{
	uint64_t before = served_allocations();
	char *p = new char[6 * MIB];

	served_hide(p);
	CHECK(served_allocations() == before + 1);
	delete[] p;
}

int main()
{
	served_prove();
	new_is_served_by_the_rules();
	for (size_t n : sizes) {
		plain_operators_work(n);
		for (size_t align = 1; align <= 4 * MIB; align *= 2)
			aligned_operators_work(n, std::align_val_t(align));
	}
	what_cannot_be_throws();
	nothrow_returns_null();
	the_handler_is_called_until_it_gives_up();
	what_the_handler_throws_arrives();
	a_handler_that_frees_lets_the_retry_succeed();
	return check_result();
}
