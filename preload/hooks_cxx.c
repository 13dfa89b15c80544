/* SPDX-License-Identifier: MIT */
/*
 * The twenty C++ operators new and delete, in C under their mangled names (Itanium C++ ABI,
 * size_t = unsigned long), because the library must not need libstdc++. When memory is out, the
 * operator that libstdc++ has is called: it runs the new_handler and throws.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "heap.h"
#include "hooks.h"
#include "init.h"
#include "route.h"

#define CXX(name, mangled, result, args) HOOK result name args __asm__(mangled)

static void *look_up_in(const char *library, const char *mangled)
{
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);

	return handle ? dlsym(handle, mangled) : NULL;
}

static void *look_up(const char *mangled, const void *caller)
{
	void *found = dlsym(RTLD_NEXT, mangled);
	Dl_info info;

	/* It came by dlopen(RTLD_LOCAL) and is in nobody's scope but its own. */
	if (!found)
		found = look_up_in("libstdc++.so.6", mangled);
	if (!found)
		found = look_up_in("libc++.so.1", mangled);
	/* Or it is inside the library that calls. */
	if (!found && dladdr(caller, &info) && info.dli_fname)
		found = look_up_in(info.dli_fname, mangled);
	return found;
}

/* The operator behind ours: its own malloc is ours, fails again, and then it does what it must. */
static void *fail(const char *mangled, size_t bytes, size_t align, const void *caller)
{
	void *next = look_up(mangled, caller);

	if (!next)
		abort();	/* what libstdc++ does where nothing can be thrown */
	if (align)
		return ((void *(*)(size_t, size_t))next)(bytes, align);
	return ((void *(*)(size_t))next)(bytes);
}

static void *fail_nothrow(const char *mangled, size_t bytes, size_t align, const void *tag,
			  const void *caller)
{
	void *next = look_up(mangled, caller);

	if (!next)
		return NULL;
	if (align)
		return ((void *(*)(size_t, size_t, const void *))next)(bytes, align, tag);
	return ((void *(*)(size_t, const void *))next)(bytes, tag);
}

static void *take(size_t bytes)
{
	if (LIKELY(bytes < init_smallest))
		return cje_malloc(bytes);
	return route_alloc(CALL_NEW, bytes, 1, false);
}

static void *take_aligned(size_t bytes, size_t align)
{
	if (!align || (align & (align - 1)) || bytes > PTRDIFF_MAX - align)
		return NULL;
	return route_alloc(CALL_NEW, bytes, align, false);
}

#define CALLER __builtin_return_address(0)

#define NEW(name, mangled)							\
	CXX(name, mangled, void *, (size_t bytes));				\
	void *name(size_t bytes)						\
	{									\
		void *p = take(bytes);						\
		return LIKELY(p) ? p : fail(mangled, bytes, 0, CALLER);	\
	}

#define NEW_NOTHROW(name, mangled)						\
	CXX(name, mangled, void *, (size_t bytes, const void *tag));		\
	void *name(size_t bytes, const void *tag)				\
	{									\
		void *p = take(bytes);						\
		return LIKELY(p) ? p : fail_nothrow(mangled, bytes, 0, tag, CALLER); \
	}

#define NEW_ALIGNED(name, mangled)						\
	CXX(name, mangled, void *, (size_t bytes, size_t align));		\
	void *name(size_t bytes, size_t align)					\
	{									\
		void *p = take_aligned(bytes, align);				\
		return LIKELY(p) ? p : fail(mangled, bytes, align, CALLER);	\
	}

#define NEW_ALIGNED_NOTHROW(name, mangled)					\
	CXX(name, mangled, void *, (size_t bytes, size_t align, const void *tag)); \
	void *name(size_t bytes, size_t align, const void *tag)			\
	{									\
		void *p = take_aligned(bytes, align);				\
		return LIKELY(p) ? p : fail_nothrow(mangled, bytes, align, tag, CALLER); \
	}

NEW(cxx_new, "_Znwm")
NEW(cxx_new_array, "_Znam")
NEW_NOTHROW(cxx_new_nothrow, "_ZnwmRKSt9nothrow_t")
NEW_NOTHROW(cxx_new_array_nothrow, "_ZnamRKSt9nothrow_t")
NEW_ALIGNED(cxx_new_aligned, "_ZnwmSt11align_val_t")
NEW_ALIGNED(cxx_new_array_aligned, "_ZnamSt11align_val_t")
NEW_ALIGNED_NOTHROW(cxx_new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t")
NEW_ALIGNED_NOTHROW(cxx_new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t")

/* Every delete is free(): size, alignment and nothrow tell us nothing we need. */
#define DELETE(name, mangled)							\
	CXX(name, mangled, void, (void *p));					\
	void name(void *p)							\
	{									\
		if (LIKELY(range_owns(&heap_range, p)))				\
			cje_free(p);						\
		else								\
			route_free(p);						\
	}

DELETE(cxx_delete, "_ZdlPv")
DELETE(cxx_delete_array, "_ZdaPv")
DELETE(cxx_delete_sized, "_ZdlPvm")
DELETE(cxx_delete_array_sized, "_ZdaPvm")
DELETE(cxx_delete_nothrow, "_ZdlPvRKSt9nothrow_t")
DELETE(cxx_delete_array_nothrow, "_ZdaPvRKSt9nothrow_t")
DELETE(cxx_delete_aligned, "_ZdlPvSt11align_val_t")
DELETE(cxx_delete_array_aligned, "_ZdaPvSt11align_val_t")
DELETE(cxx_delete_sized_aligned, "_ZdlPvmSt11align_val_t")
DELETE(cxx_delete_array_sized_aligned, "_ZdaPvmSt11align_val_t")
DELETE(cxx_delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t")
DELETE(cxx_delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t")
