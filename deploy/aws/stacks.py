"""Brings the templates up on moto, a stand-in for AWS, in the order and with the parameters that it reads from standard input.

In: JSON, a list of {"stack": NAME, "parameters": {NAME: VALUE}}, where $(out complaints-STACK OUTPUT) stands for an output of an
earlier stack. Out: a line a stack with the number of its resources. Whatever moto cannot do is named in GAPS and INVENTED, and
nothing else is passed over: a template that CloudFormation would refuse for a reference, a parameter or a property that moto knows
ends this program. moto takes resources that it does not know (Athena, Glue's tables, MSK, AWS Backup) for granted.
"""

import json
import re
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import boto3
from moto import mock_aws

REGION = "eu-central-1"

# What stands in for parts of templates, by stack: (pattern, replacement, what moto lacks).
GAPS = {
    "network": [(r"!Select \[(\d), !Cidr \[!Ref VpcCidr, \d+, \d+\]\]", r"10.20.1\g<1>.0/24", "the function Fn::Cidr")],
    "services": [
        (r"!GetAtt Notes\.Arn", f"arn:aws:elasticfilesystem:{REGION}:123456789012:file-system/fs-1", "the attribute Arn of a file system"),
        (r"!GetAtt NotesPoint\.Arn", f"arn:aws:elasticfilesystem:{REGION}:123456789012:access-point/fsap-1", "the attribute Arn of an access point"),
        (r"!FindInMap \[GoMemory, [^]]+\]", "1638MiB", "a number as key of a mapping"),
        (r"\$\{(\w+Alarm)\.Arn\}", rf"arn:aws:cloudwatch:{REGION}:123456789012:alarm:\1", "the attribute Arn of an alarm"),
    ],
}
# Outputs of resources that moto does not make.
INVENTED = {"complaints-kafka ClusterArn": f"arn:aws:kafka:{REGION}:123456789012:cluster/complaints/0a1b-1"}


def main():
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    outputs = dict(INVENTED)

    def resolve(value):
        return re.sub(r"\$\(out ([a-z-]+ \w+)\)", lambda m: outputs[m[1]], value)

    for step in json.load(sys.stdin):
        name = "complaints-" + step["stack"]
        template = Path(__file__).with_name(step["stack"] + ".yaml").read_text()
        for pattern, replacement, lacks in GAPS.get(step["stack"], []):
            template, times = re.subn(pattern, replacement, template)
            if not times:
                sys.exit(f"{name}: nothing wants {lacks} any more: remove the gap")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": resolve(value)} for key, value in step["parameters"].items()],
        )
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        resources = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        outputs.update({f"{name} {o['OutputKey']}": o["OutputValue"] for o in stack.get("Outputs", [])})
        print(name, stack["StackStatus"], len(resources))


with mock_aws():
    main()
