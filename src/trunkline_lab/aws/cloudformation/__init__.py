"""A CloudFormation of the lab's own: templates, stacks and change sets over the lab's EC2."""
