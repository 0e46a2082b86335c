"""A worker's user data and a grid's plan, as several tests want them."""

from elastic.adapters.openstack.master import GridPlan
from elastic.core.resources import Resources
from elastic.local.userdata import UserData

WANTED = UserData(
    name="small-1",
    collector="cm.example.org:9618",
    token="their.token.here",
    signing_key=bytes(range(1, 33)),
    signing_key_id="small-1",
    attributes={"ElasticWorker": "small-1", "ElasticGroup": "small", "ElasticPool": "physics"},
    config={"NUM_CPUS": "4"},
)
PLAN = GridPlan(
    name="night",
    domain="night.elastic",
    maximum=16,
    image="image-id",
    flavor="flavor-id",
    shape=Resources(4, 8192, 40960, gpus=0),
)
