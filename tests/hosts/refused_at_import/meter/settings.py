from meter.push import push

LIMIT = len(push("import"))
