/* A module that sends one cluster message when it is loaded, so that redis-server sends a MODULE packet.
 *
 * It asks for the two functions that it needs by name, as every module does, and so needs no header of Redis. */

typedef int get_function(const char *name, void *function);
typedef void set_attributes(void *context, const char *name, int version, int interface_version);
typedef int send_message(void *context, const char *node, unsigned char type, const char *bytes, unsigned length);

int RedisModule_OnLoad(void *context, void **arguments, int count) {
    get_function *get = (get_function *)((void **)context)[0];
    set_attributes *set;
    send_message *send;
    (void)arguments;
    (void)count;
    get("RedisModule_SetModuleAttribs", &set);
    get("RedisModule_SendClusterMessage", &send);
    /* The packet's module id is made of a name of nine letters. */
    set(context, "messenger", 1, 1);
    return send(context, 0, 7, "from a module", 13);
}
