#include <node_api.h>
#include <stdio.h>

/* Nothing but what binds it to one C library: a symbol of glibc that musl has not. */
extern const char *gnu_get_libc_version(void);

NAPI_MODULE_INIT() {
  napi_value version;
  napi_create_string_utf8(env, gnu_get_libc_version(), NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "libc", version);
  return exports;
}
